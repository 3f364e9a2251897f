"""The subcommands of ``tomojupyter``, a module each; the work is done in the library."""
