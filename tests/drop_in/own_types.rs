//! The auto traits of the types that are no skins. Checked while compiling, in both directions: a
//! trait too few breaks a program that keeps such a value, one too many is a promise nobody meant.

use contend::{
    Change, ChangeStatus, Diff, Frame, InitGuard, Lost, MemoryInUse, Profile, ProfileKind,
    Profiles, Recording, RecordingBuilder, Sample,
};

/// A row for each type: may it be sent, shared, moved while pinned, seen after a panic, cloned,
/// copied, compared?
macro_rules! table {
    ($($type:ty: $send:literal $sync:literal $unpin:literal $unwind:literal $clone:literal $copy:literal $eq:literal;)+) => {
        $(const _: () = {
            table!(@is $type: Send = $send);
            table!(@is $type: Sync = $sync);
            table!(@is $type: Unpin = $unpin);
            table!(@is $type: std::panic::UnwindSafe = $unwind);
            table!(@is $type: std::panic::RefUnwindSafe = $unwind);
            table!(@is $type: Clone = $clone);
            table!(@is $type: Copy = $copy);
            table!(@is $type: Eq = $eq);
            table!(@is $type: std::fmt::Debug = 1);
        };)+
    };
    (@is $type:ty: $bound:path = $expected:literal) => {
        assert!(
            implements!($type: $bound) == ($expected == 1),
            concat!(stringify!($type), ": ", stringify!($bound)),
        );
    };
}

table! {
    //                Send Sync Unpin Unwind Clone Copy Eq
    Change:           1    1    1     1      1     0    0;
    ChangeStatus:     1    1    1     1      1     1    1;
    Diff:             1    1    1     1      1     0    0;
    Frame:            1    1    1     1      1     0    1;
    InitGuard:        1    1    1     1      0     0    0;
    Lost:             1    1    1     1      1     1    1;
    MemoryInUse:      1    1    1     1      1     1    1;
    Profile:          1    1    1     1      1     0    0;
    ProfileKind:      1    1    1     1      1     1    1;
    Profiles:         1    1    1     1      1     0    0;
    Recording:        1    1    1     1      0     0    0;
    RecordingBuilder: 1    1    1     1      1     0    0;
    Sample:           1    1    1     1      1     0    0;
}
