//! Has nothing in it: a package must have something to build.
