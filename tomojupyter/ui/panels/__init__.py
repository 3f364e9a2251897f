"""One panel a stage of the work, one file each."""
