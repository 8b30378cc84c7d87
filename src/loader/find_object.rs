//! Asks the dynamic loader about loaded objects, as it answers at this moment.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;

/// Where the loader has an object, as `_dl_find_object` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) map_start: usize,
    pub(crate) map_end: usize,
    /// 0: the object has none.
    pub(crate) eh_frame_hdr: usize,
}

/// `_dl_find_object`, where there is one (glibc 2.35 and later): finds the object of an address
/// without a lock, in 2 to 4 ns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FindObject(unsafe extern "C" fn(*mut c_void, *mut DlFindObject) -> c_int);

/// `struct dl_find_object` of `<dlfcn.h>` on x86-64.
#[repr(C)]
struct DlFindObject {
    flags: u64,
    map_start: *mut c_void,
    map_end: *mut c_void,
    link_map: *mut c_void,
    eh_frame_hdr: *mut c_void,
    reserved: [u64; 7],
}

const _: () = assert!(size_of::<DlFindObject>() == 96, "glibc writes 96 bytes");

impl FindObject {
    pub(crate) fn look_up() -> Option<Self> {
        // SAFETY: the name ends with a zero; the lookup has no other duties.
        let function = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"_dl_find_object".as_ptr()) };
        if function.is_null() {
            return None;
        }
        // SAFETY: not null, and the symbol of this name has this type in every C library that
        // has it: names that begin with an underscore are the C library's own.
        Some(Self(unsafe {
            std::mem::transmute::<
                *mut c_void,
                unsafe extern "C" fn(*mut c_void, *mut DlFindObject) -> c_int,
            >(function)
        }))
    }

    /// The object that `address` lies in, if it was loaded by the loader.
    #[inline]
    pub(crate) fn place_of(self, address: usize) -> Option<Place> {
        let mut found = MaybeUninit::<DlFindObject>::uninit();
        // SAFETY: any address may be asked for, it is compared and not read. The answer is
        // written where the pointer points, which is large enough (the assertion above).
        let result = unsafe { (self.0)(ptr::without_provenance_mut(address), found.as_mut_ptr()) };
        if result != 0 {
            return None;
        }
        // SAFETY: 0 was returned, so the fields below are written; each is read by itself, as
        // the reserved words are not.
        let (map_start, map_end, eh_frame_hdr) = unsafe {
            let found = found.as_ptr();
            ((*found).map_start, (*found).map_end, (*found).eh_frame_hdr)
        };
        Some(Place {
            map_start: map_start.addr(),
            map_end: map_end.addr(),
            eh_frame_hdr: eh_frame_hdr.addr(),
        })
    }
}
