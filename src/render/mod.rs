//! Plan to bundle: the files that the back end is launched with, through templates.
