#[cfg(loom)]
mod loom;
#[cfg(not(loom))]
mod pairs;
#[cfg(not(loom))]
mod table;
