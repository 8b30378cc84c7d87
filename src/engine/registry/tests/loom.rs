//! Two threads that claim a record, and a dump that frees one, in every interleaving.

use loom::sync::Arc;
use loom::sync::atomic::AtomicBool;
use loom::thread;

use super::super::*;

#[test]
fn a_record_has_one_owner() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let other = Arc::clone(&registry);
        let claim = |registry: &Registry, owner| registry.claim(owner).unwrap();
        let theirs = thread::spawn(move || claim(&other, 1));
        let mine = claim(&registry, 2);
        assert_ne!(mine, theirs.join().unwrap(), "two owners");
    });
}

#[test]
fn a_record_is_not_freed_under_a_thread_that_has_claimed_it() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        // This owner has ended. A new thread gets its pointer.
        registry.claim(1).unwrap();
        let lives = Arc::new(AtomicBool::new(false));
        let (theirs, begins) = (Arc::clone(&registry), Arc::clone(&lives));
        let new = thread::spawn(move || {
            begins.store(true, Ordering::Relaxed);
            let index = theirs.claim(1).unwrap();
            assert_eq!(theirs.records[index].owner(), 1);
            index
        });
        registry.forget_if(|_| !lives.load(Ordering::Relaxed));
        let index = new.join().unwrap();
        let owner = registry.records[index].owner();
        assert_eq!(owner, 1, "the record of a living thread is free");
    });
}
