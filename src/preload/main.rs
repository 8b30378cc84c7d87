//! The object that `contend run` and `contend record` load into other programs. Not for people to
//! run.
//!
//! It is linked as a shared library (see `build.rs`), because that is how `cargo install` brings it
//! along with the command. Here are the names that stand before those of the C library, and nothing
//! else: what they do is in the library's `whole`. `exports.map` beside this file lists them again,
//! for the linker; any other name of ours could take the place of one of the program's.
#![cfg_attr(contend_whole, no_main)]

#[cfg(contend_whole)]
mod exports;

#[cfg(not(contend_whole))]
fn main() {
    eprintln!(
        "contend-preload: this is the part of contend that is loaded into other programs. It does nothing \
         here: whole programs are profiled on x86-64 Linux with glibc, where contend is built with its \
         features `cli` and `profiling`"
    );
    std::process::exit(1);
}
