"""Pictures and plots that know no Session."""
