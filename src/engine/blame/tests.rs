#[cfg(loom)]
mod loom;
#[cfg(not(loom))]
mod pairs;
#[cfg(not(loom))]
mod quick;
#[cfg(not(loom))]
mod readers;
#[cfg(not(loom))]
mod scenarios;
#[cfg(not(loom))]
mod shares;
#[cfg(not(loom))]
mod versus_naive;
