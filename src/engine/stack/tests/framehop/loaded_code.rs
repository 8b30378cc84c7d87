//! Code that is loaded and unloaded while profiling: a small C library, compiled for the test.

use std::ffi::{CString, c_void};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::*;

/// Loads and unloads happen one test at a time.
pub(super) fn nothing_is_loaded() -> MutexGuard<'static, ()> {
    static LOADING: Mutex<()> = Mutex::new(());
    LOADING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A directory of this test's own, removed with what is in it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let directory = format!("contend-{}-{name}", std::process::id());
        let directory = std::env::temp_dir().join(directory);
        std::fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Files that cannot be removed stay: they are in the system's temporary directory.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

type CallBack = unsafe extern "C" fn(unsafe extern "C" fn(*mut c_void), *mut c_void);

/// A loaded library with one function, which calls back.
struct Library {
    handle: *mut c_void,
    call_back: CallBack,
}

impl Library {
    /// Compiled with a frame of `frame_bytes` and as many functions before the one that counts,
    /// so that two of them differ in their tables.
    fn build(scratch: &Scratch, name: &str, frame_bytes: usize, functions: usize) -> PathBuf {
        let before: String = (0..functions)
            .map(|number| format!("int before_{number}(int a) {{ return a * {number}; }}\n"))
            .collect();
        let code = format!(
            "{before}
             void call_back(void (*function)(void *), void *data) {{
                 volatile char room[{frame_bytes}];
                 room[0] = 1;
                 function(data);
                 room[1] = 2;
             }}"
        );
        Self::compile(scratch, &format!("{name}.c"), &code, &["-O2"])
    }

    fn compile(scratch: &Scratch, name: &str, code: &str, arguments: &[&str]) -> PathBuf {
        let source = scratch.0.join(name);
        let library = source.with_extension("so");
        std::fs::write(&source, code).unwrap();
        let compiled = Command::new("cc")
            .args(["-fPIC", "-shared"])
            .args(arguments)
            .arg("-o")
            .args([&library, &source])
            .status();
        assert!(compiled.expect("the linker's driver is there").success());
        library
    }

    fn load(file: &std::path::Path) -> Self {
        let file = CString::new(file.to_str().unwrap()).unwrap();
        // SAFETY: a string that ends with a zero; the library has no constructors.
        let handle = unsafe { libc::dlopen(file.as_ptr(), libc::RTLD_NOW) };
        assert!(!handle.is_null());
        // SAFETY: a handle just opened and a name that ends with a zero.
        let symbol = unsafe { libc::dlsym(handle, c"call_back".as_ptr()) };
        assert!(!symbol.is_null());
        Self {
            handle,
            // SAFETY: not null, and the function of this name has this type in the code above.
            call_back: unsafe { std::mem::transmute::<*mut c_void, CallBack>(symbol) },
        }
    }

    /// Whether the address is in the function that calls back (which is a few dozen bytes long).
    fn contains(&self, address: usize) -> bool {
        let start = self.call_back as usize;
        (start..start + 128).contains(&address)
    }

    /// Both walkers' view of a stack with the library's function on it.
    fn walk(&self, pool: &Pool) -> (Option<Stack>, Stack) {
        unsafe extern "C" fn called_back(data: *mut c_void) {
            // SAFETY: the pointer given to `call_back` below, to a closure in use there only.
            let visit = unsafe { &mut *data.cast::<&mut dyn FnMut()>() };
            inner_link(*visit);
        }

        let mut seen = None;
        middle_link(&mut || {
            let mut visit: &mut dyn FnMut() = &mut || seen = Some(walk_both(pool));
            // SAFETY: the library calls the function once, with this pointer, before it returns.
            unsafe { (self.call_back)(called_back, std::ptr::from_mut(&mut visit).cast()) }
        });
        seen.unwrap()
    }

    #[track_caller]
    fn assert_complete(&self, stack: &Stack) {
        assert_callers(
            stack,
            &[
                "marker_link",
                "leaf_link",
                "inner_link",
                "leaf_link",
                "inner_link",
                "middle_link",
            ],
        );
        assert!(
            stack
                .addresses()
                .iter()
                .any(|&address| self.contains(address))
        );
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: opened once, and none of its code runs any more: `walk` has returned.
        assert_eq!(unsafe { libc::dlclose(self.handle) }, 0);
    }
}

/// The story of a plugin that is loaded, unloaded, and replaced by another at the same place.
fn plugin_story(find_object: Option<FindObject>) {
    let _alone = nothing_is_loaded();
    bounds::start();
    let pool = Pool::new(find_object);
    let asks_by_address = find_object.is_some();
    let scratch = Scratch::new(&format!("plugin-{asks_by_address}"));
    let first_file = Library::build(&scratch, "first", 64, 0);
    let second_file = Library::build(&scratch, "second", 4096, 7);

    let first = Library::load(&first_file);
    let (ours, systems) = first.walk(&pool);
    assert!(ours.is_none(), "not in the list yet");
    first.assert_complete(&systems);

    pool.refresh();
    for _ in 0..2 {
        let (ours, systems) = first.walk(&pool);
        let ours = ours.expect("in the list now");
        first.assert_complete(&ours);
        assert_same(&ours, &systems);
    }

    let place = first.call_back as usize & !0xfff;
    drop(first);
    let second = Library::load(&second_file);
    // The test is about this. The library could be elsewhere some day, and the rest would hold as
    // well.
    assert_eq!(second.call_back as usize & !0xfff, place);
    let (ours, systems) = second.walk(&pool);
    assert!(ours.is_none(), "the list has the first at this place");
    second.assert_complete(&systems);

    pool.refresh();
    let (ours, _) = second.walk(&pool);
    second.assert_complete(&ours.expect("in the list now"));

    drop(second);
    let third = Library::load(&first_file);
    let (ours, systems) = third.walk(&pool);
    third.assert_complete(&systems);
    if let Some(ours) = ours {
        // The same code at the same place as the first: its rules are still known.
        assert!(asks_by_address);
        assert_same(&ours, &systems);
    }
}

#[test]
fn plugin_comes_and_goes() {
    plugin_story(FindObject::look_up());
}

#[test]
fn plugin_comes_and_goes_where_the_loader_is_not_asked_by_address() {
    plugin_story(None);
}

#[test]
fn unloaded_code_does_not_spoil_other_stacks() {
    let _alone = nothing_is_loaded();
    let scratch = Scratch::new("gone");
    let plugin = Library::load(&Library::build(&scratch, "gone", 64, 0));
    let pool = new_pool();
    assert!(plugin.walk(&pool).0.is_some());
    drop(plugin);
    let (ours, systems) = walk_both(&pool);
    if FindObject::look_up().is_some() {
        assert_same(&ours.unwrap(), &systems);
    }
}

/// The call of `call_back` is in the last bytes of its segment, and behind it there is a hole: the
/// linker aligned the segments as for pages of 64 KB, which the loader closes in between.
#[test]
fn nothing_is_read_behind_the_code() {
    const PAGE: usize = 4096;
    let _alone = nothing_is_loaded();
    let scratch = Scratch::new("hole");
    let code = format!(
        ".text
         .p2align 12
         .skip {PAGE} - 17, 0x90
         .globl call_back
         .type call_back, @function
         call_back:
             .cfi_startproc
             subq $8, %rsp
             .cfi_adjust_cfa_offset 8
             movq %rdi, %rax
             movq %rsi, %rdi
             callq *%rax
             addq $8, %rsp
             .cfi_adjust_cfa_offset -8
             retq
             .cfi_endproc
         .size call_back, . - call_back
         .section .note.GNU-stack, \"\", @progbits
        "
    );
    let aligned = ["-nostdlib", "-Wl,-z,max-page-size=0x10000"];
    let library = Library::compile(&scratch, "hole.s", &code, &aligned);
    let library = Library::load(&library);

    let end = library.call_back as usize + 17;
    assert!(end.is_multiple_of(PAGE), "the code ends with its page");
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let starts_there = format!("{end:x}-");
    let behind = maps.lines().find(|line| line.starts_with(&starts_there));
    assert!(behind.is_none_or(|line| line.contains(" ---p ")), "{maps}");

    let pool = new_pool();
    for _ in 0..2 {
        let (ours, systems) = library.walk(&pool);
        library.assert_complete(&systems);
        assert_same(&ours.unwrap(), &systems);
    }
}
