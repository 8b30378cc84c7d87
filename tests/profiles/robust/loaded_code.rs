//! Code on the stack that comes with `dlopen` and goes with `dlclose`: its name is in the profile.
#![cfg(target_os = "linux")]

use std::ffi::{CString, c_void};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Sleeper, at, profile_everything};
use contend::sync::Mutex;

type CallBack = unsafe extern "C" fn(unsafe extern "C" fn(*mut c_void), *mut c_void);

/// A library of one function called `name`, which calls what it is given.
pub(super) struct Library {
    handle: *mut c_void,
    call: CallBack,
}

impl Library {
    fn load(name: &str, frame_bytes: usize) -> Self {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let library = directory.join(format!("lib{name}.so"));
        Self::build(&library, name, frame_bytes);
        Self::open(&library, name)
    }

    /// Compiles it. A file that is there is written anew, as another one.
    pub(super) fn build(library: &Path, name: &str, frame_bytes: usize) {
        let source = library.with_extension("c");
        let _ = std::fs::remove_file(library);
        let code = format!(
            "void {name}(void (*function)(void *), void *data) {{
                 volatile char room[{frame_bytes}];
                 room[0] = 1;
                 function(data);
                 room[1] = 2;
             }}"
        );
        std::fs::write(&source, code).unwrap();
        let mut compiler = Command::new("cc");
        compiler.args(["-O2", "-fPIC", "-shared", "-o"]);
        let compiled = compiler.args([library, &source]).status();
        assert!(compiled.expect("the linker's driver is there").success());
    }

    pub(super) fn open(library: &Path, name: &str) -> Self {
        let file = CString::new(library.to_str().unwrap()).unwrap();
        let symbol = CString::new(name).unwrap();
        // SAFETY: strings that end with a zero; the library has no constructors. The function of
        // this name has this type in the code above.
        unsafe {
            let handle = libc::dlopen(file.as_ptr(), libc::RTLD_NOW);
            assert!(!handle.is_null());
            let symbol = libc::dlsym(handle, symbol.as_ptr());
            assert!(!symbol.is_null());
            let call = std::mem::transmute::<*mut c_void, CallBack>(symbol);
            Self { handle, call }
        }
    }

    /// Calls `work` from the library's function.
    fn call(&self, mut work: &mut dyn FnMut()) {
        unsafe extern "C" fn called_back(data: *mut c_void) {
            // SAFETY: the pointer given to the library below, which is in use there only.
            let work = unsafe { &mut *data.cast::<&mut dyn FnMut()>() };
            work();
        }
        // SAFETY: the library calls the function once, with this pointer, before it returns.
        // `work` does not unwind, or the process aborts.
        unsafe { (self.call)(called_back, std::ptr::from_mut(&mut work).cast()) }
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: opened once, and none of its code runs any more: `call` has returned.
        assert_eq!(unsafe { libc::dlclose(self.handle) }, 0);
    }
}

/// A thread waits in code called by the library, and this one releases in such code.
pub(super) fn contend_in(library: &Library) {
    let lock = Mutex::new(());
    let sleeper = Sleeper::new();
    let call = library.call;
    std::thread::scope(|scope| {
        let held = lock.lock().unwrap();
        let (lock, sleeper) = (&lock, &sleeper);
        let waiter = scope.spawn(move || {
            let library = std::mem::ManuallyDrop::new(Library {
                handle: std::ptr::null_mut(),
                call,
            });
            library.call(&mut || {
                sleeper.about_to_wait();
                drop(lock.lock().unwrap());
            });
        });
        sleeper.await_sleep();
        let mut held = Some(held);
        library.call(&mut || held = None);
        waiter.join().unwrap();
    });
}

#[test]
fn loaded_code_has_its_name_in_profiles() {
    let _profiling = profile_everything();
    let plugins = [("first_plugin", 64), ("second_plugin", 4096)];
    // Each comes back later, to where another one has been.
    for (name, frame_bytes) in plugins.into_iter().cycle().take(6) {
        let library = Library::load(name, frame_bytes);
        contend::reset();
        for round in 1..=2 {
            contend_in(&library);
            for profile in [contend::mutex_profile(), contend::block_profile()] {
                assert_eq!(at(&profile, name).0, round, "{name}: {profile}");
                // The whole stack is there, past the library's frame.
                assert_eq!(at(&profile, "contend_in").0, round, "{profile}");
                for (other, _) in plugins.into_iter().filter(|(other, _)| *other != name) {
                    assert_eq!(at(&profile, other).0, 0, "{other} is not loaded: {profile}");
                }
                assert_eq!(profile.lost().total(), 0);
            }
        }
        drop(library);
        // A recorded stack stays readable when its code is gone.
        contend::mutex_profile()
            .write_pprof(std::io::sink())
            .unwrap();
    }
}
