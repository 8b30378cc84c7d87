//! The outlined functions of methods whose waits are tasks'.

/// Declares, in an `impl`, the outlined function of each of these methods: `lock_contended` stands
/// for `lock` where a build has no names for inlined functions.
///
/// They differ by a text, or the linker would make one of those that do the same, and a profile
/// would show the name of another method.
macro_rules! contended {
    ($($name:ident),+ $(,)?) => {$(
        #[cold]
        #[inline(never)]
        fn $name(record: &mut dyn FnMut(&$crate::skin::FrameMarker)) {
            let frame = $crate::skin::FrameMarker::default();
            ::std::hint::black_box(concat!(file!(), line!(), stringify!($name)));
            record(&frame);
            $crate::skin::keep_frame();
        }
    )+};
}

pub(crate) use contended;
