//! The macros `select!` and `select_biased!`, on top of [`Select`](super::Select).
//!
//! A `select!` goes through these steps, each a part of `__crossbeam_channel_select_arms`:
//!
//! ```text
//! @arms    takes one arm after the other off the tokens, whichever way it ends
//! @arm     brings it into one form: (method Type (channel) (message) pattern body), or `default`
//! @bind    evaluates the channels, one inside the other's scope, and numbers them
//! @run     selects: for ever, not at all, or for some time
//! @finish  completes the operation that was selected, and goes on with its body
//! ```
//!
//! Users see the order of evaluation: channels, in the order of the arms; the timeout; and the
//! message of a send arm only once it was selected. Temporaries in a channel's expression live
//! until the body has ended, but no borrow does: a body may move what it has received from.
//! NOTE: bodies stand outside of loops, closures and labelled blocks of ours, so that `break`,
//! `continue`, `return` and `?` mean the user's.

/// Selects from a set of channel operations: waits until one is possible, does it, and goes on
/// with its arm. If several are possible, takes a random one; see
/// [`select_biased!`](crate::crossbeam_channel::select_biased!) for the first.
///
/// The waiting is one event of kind `select`, at the place of the macro. The bodies are no part
/// of it.
///
/// | arm | |
/// |---|---|
/// | `recv(receiver) -> result => body` | `result` is a pattern for `Result<T, RecvError>` |
/// | `send(sender, message) -> result => body` | for `Result<(), SendError<T>>`; the message is made once the arm was selected |
/// | `default => body` | when none is possible now |
/// | `default(timeout) => body` | when none has become possible in that time |
///
/// A comma separates arms; after a body in braces it may be left out.
///
/// # Examples
///
/// ```
/// use contend::crossbeam_channel::{bounded, select};
///
/// let (sender, receiver) = bounded(1);
/// for round in 0..2 {
///     select! {
///         recv(receiver) -> message => {
///             assert_eq!((round, message), (1, Ok("full")));
///         }
///         send(sender, "full") -> result => assert_eq!((round, result), (0, Ok(()))),
///     }
/// }
/// ```
///
/// Without an arm there is nothing to select:
///
/// ```compile_fail
/// contend::crossbeam_channel::select! {}
/// ```
#[doc(hidden)] // At the root of the crate; this is shown where it is re-exported.
#[macro_export]
macro_rules! __crossbeam_channel_select {
    ($($tokens:tt)*) => {
        $crate::__crossbeam_channel_select_arms!(@arms new [] [] $($tokens)*)
    };
}

/// Selects from a set of channel operations: as
/// [`select!`](crate::crossbeam_channel::select!), but if several are possible, takes the first.
///
/// # Examples
///
/// ```
/// use contend::crossbeam_channel::{select_biased, unbounded};
///
/// let (urgent, first) = unbounded();
/// let (_sender, second) = unbounded::<u8>();
/// urgent.send(1).unwrap();
/// let message = select_biased! {
///     recv(first) -> message => message,
///     recv(second) -> message => message,
/// };
/// assert_eq!(message, Ok(1));
/// ```
#[doc(hidden)] // At the root of the crate; this is shown where it is re-exported.
#[macro_export]
macro_rules! __crossbeam_channel_select_biased {
    ($($tokens:tt)*) => {
        $crate::__crossbeam_channel_select_arms!(@arms new_biased [] [] $($tokens)*)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __crossbeam_channel_select_arms {
    // @arms constructor [default] [arms so far] tokens
    (@arms $new:ident [] []) => {
        compile_error!("a `select!` without arms would wait for ever")
    };
    (@arms $new:ident $default:tt $arms:tt) => {
        $crate::__crossbeam_channel_select_arms!(@start $new $default $arms)
    };
    (@arms $new:ident $default:tt $arms:tt default => $($rest:tt)*) => {
        $crate::__crossbeam_channel_select_arms!(@arms $new $default $arms default() => $($rest)*)
    };
    (@arms $new:ident $default:tt $arms:tt
        $case:ident $args:tt $(-> $result:pat)? => { $($body:tt)* }, $($rest:tt)*) => {
        $crate::__crossbeam_channel_select_arms!(
            @arm $new $default $arms ($case $args $(-> $result)? => { $($body)* }) $($rest)*)
    };
    (@arms $new:ident $default:tt $arms:tt
        $case:ident $args:tt $(-> $result:pat)? => $body:expr, $($rest:tt)*) => {
        $crate::__crossbeam_channel_select_arms!(
            @arm $new $default $arms ($case $args $(-> $result)? => { $body }) $($rest)*)
    };
    (@arms $new:ident $default:tt $arms:tt
        $case:ident $args:tt $(-> $result:pat)? => $body:expr) => {
        $crate::__crossbeam_channel_select_arms!(
            @arm $new $default $arms ($case $args $(-> $result)? => { $body }))
    };
    (@arms $new:ident $default:tt $arms:tt
        $case:ident $args:tt $(-> $result:pat)? => { $($body:tt)* } $($rest:tt)*) => {
        $crate::__crossbeam_channel_select_arms!(
            @arm $new $default $arms ($case $args $(-> $result)? => { $($body)* }) $($rest)*)
    };
    // A comma too many, which the original takes after `default`.
    (@arms $new:ident [$($default:tt)+] $arms:tt , $($rest:tt)*) => {
        $crate::__crossbeam_channel_select_arms!(@arms $new [$($default)+] $arms $($rest)*)
    };
    (@arms $new:ident $default:tt $arms:tt $($rest:tt)+) => {
        compile_error!(concat!(
            "expected `recv(receiver) -> result => body`, `send(sender, message) -> result => \
             body` or `default => body`, and a comma behind it, found `",
            stringify!($($rest)+),
            "`",
        ))
    };

    // @arm constructor [default] [arms so far] (arm) tokens
    (@arm $new:ident $default:tt [$($arms:tt)*]
        (recv($channel:expr $(,)?) -> $result:pat => $body:tt) $($rest:tt)*) => {
        $crate::__crossbeam_channel_select_arms!(
            @arms $new $default [$($arms)* (recv Receiver ($channel) () $result => $body)]
            $($rest)*)
    };
    (@arm $new:ident $default:tt [$($arms:tt)*]
        (send($channel:expr, $message:expr $(,)?) -> $result:pat => $body:tt) $($rest:tt)*) => {
        $crate::__crossbeam_channel_select_arms!(
            @arms $new $default [$($arms)* (send Sender ($channel) ($message) $result => $body)]
            $($rest)*)
    };
    (@arm $new:ident [] $arms:tt (default() => $body:tt) $($rest:tt)*) => {
        $crate::__crossbeam_channel_select_arms!(@arms $new [() $body] $arms $($rest)*)
    };
    (@arm $new:ident [] $arms:tt (default($timeout:expr $(,)?) => $body:tt) $($rest:tt)*) => {
        $crate::__crossbeam_channel_select_arms!(@arms $new [($timeout) $body] $arms $($rest)*)
    };
    (@arm $new:ident [$($default:tt)+] $arms:tt (default $args:tt => $body:tt) $($rest:tt)*) => {
        compile_error!("there can be only one `default` arm in a `select!`")
    };
    (@arm $new:ident $default:tt $arms:tt
        ($case:ident $args:tt $(-> $result:pat)? => $body:tt) $($rest:tt)*) => {
        compile_error!(concat!(
            "expected `recv(receiver) -> result`, `send(sender, message) -> result`, `default` or \
             `default(timeout)`, found `",
            stringify!($case $args $(-> $result)?),
            "`",
        ))
    };

    // @start constructor [default] [arms]. A single receiver needs no list: as in the original.
    (@start $new:ident [] [(recv Receiver ($channel:expr) () $result:pat => $body:tt)]) => {
        match $channel {
            ref channel => {
                let channel: &$crate::crossbeam_channel::Receiver<_> = channel;
                let result = $crate::crossbeam_channel::__one_receiver::select(channel);
                let $result = result;
                $body
            }
        }
    };
    (@start $new:ident [($($timeout:expr)?) $default:tt]
        [(recv Receiver ($channel:expr) () $result:pat => $body:tt)]) => {
        match $channel {
            ref channel => {
                let channel: &$crate::crossbeam_channel::Receiver<_> = channel;
                let selected = $crate::__crossbeam_channel_select_arms!(
                    @one_receiver channel $($timeout)?);
                match selected {
                    ::core::option::Option::Some(result) => {
                        let $result = result;
                        $body
                    }
                    ::core::option::Option::None => $default,
                }
            }
        }
    };
    (@start $new:ident $default:tt $arms:tt) => {
        $crate::__crossbeam_channel_select_arms!(@bind $new $default $arms [] [0])
    };
    (@one_receiver $channel:ident) => {
        $crate::crossbeam_channel::__one_receiver::try_select($channel)
    };
    (@one_receiver $channel:ident $timeout:expr) => {
        $crate::crossbeam_channel::__one_receiver::select_timeout($channel, $timeout)
    };

    // @bind constructor [default] [arms to come] [arms done] [index]
    (@bind $new:ident $default:tt
        [($method:ident $type:ident ($channel:expr) $message:tt $result:pat => $body:tt)
            $($arms:tt)*]
        [$($done:tt)*]
        [$($index:tt)*]
    ) => {
        // Each of these `channel`s is a variable of its own, since an expansion of its own names
        // it. `match` keeps temporaries alive.
        match $channel {
            ref channel => {
                let channel: &$crate::crossbeam_channel::$type<_> = channel;
                $crate::__crossbeam_channel_select_arms!(
                    @bind $new $default
                    [$($arms)*]
                    [$($done)* (($($index)*) $method channel $message $result => $body)]
                    [$($index)* + 1])
            }
        }
    };
    (@bind $new:ident $default:tt [] $arms:tt $index:tt) => {
        $crate::__crossbeam_channel_select_arms!(@run $new $default $arms)
    };

    // @run constructor [default] [arms]
    (@run $new:ident [] $arms:tt) => {{
        let operation = {
            let mut select = $crate::__crossbeam_channel_select_arms!(@list $new $arms);
            select.select()
        };
        $crate::__crossbeam_channel_select_arms!(@finish operation $arms)
    }};
    (@run $new:ident [($($timeout:expr)?) $default:tt] $arms:tt) => {{
        let selected = {
            #[allow(unused_mut)]
            let mut select = $crate::__crossbeam_channel_select_arms!(@list $new $arms);
            $crate::__crossbeam_channel_select_arms!(@run_for select $($timeout)?)
        };
        // As long as `selected` has not moved it borrows the channels, whichever it is: `match`
        // would move a part of it.
        if selected.is_ok() {
            let operation = ::core::result::Result::unwrap(selected);
            $crate::__crossbeam_channel_select_arms!(@finish operation $arms)
        } else {
            ::core::mem::drop(selected);
            $default
        }
    }};
    (@run_for $select:ident) => {
        $select.try_select()
    };
    (@run_for $select:ident $timeout:expr) => {
        $select.select_timeout($timeout)
    };

    // @list constructor [arms]
    (@list $new:ident
        [$(($index:tt $method:ident $channel:ident $message:tt $result:pat => $body:tt))*]
    ) => {{
        #[allow(unused_mut)]
        let mut select = $crate::crossbeam_channel::Select::$new();
        $(select.$method($channel);)*
        select
    }};

    // @finish operation [arms]
    (@finish $operation:ident [
        $((
            $index:tt $method:ident $channel:ident ($($message:expr)?) $result:pat => $body:tt
        ))*
    ]) => {{
        let _index = $operation.index();
        $(if _index == $index {
            let result = $operation.$method($channel $(, $message)?);
            let $result = result;
            $body
        } else)* {
            ::core::unreachable!("an operation was selected that is none of the arms")
        }
    }};
}

/// `select!` with a single receiver. The functions have the names that profiles show.
#[doc(hidden)]
pub mod one_receiver {
    use std::time::Duration;

    use ::crossbeam_channel::{RecvError, RecvTimeoutError, TryRecvError};

    use crate::crossbeam_channel::Receiver;
    use crate::skin::{self, Kind};

    #[inline]
    pub fn select<T>(receiver: &Receiver<T>) -> Result<T, RecvError> {
        match receiver.try_recv() {
            Ok(msg) => Ok(msg),
            Err(TryRecvError::Empty) => skin::not_last(select_contended(receiver)),
            Err(TryRecvError::Disconnected) => Err(RecvError),
        }
    }

    /// `None`: there is nothing to receive.
    #[inline]
    pub fn try_select<T>(receiver: &Receiver<T>) -> Option<Result<T, RecvError>> {
        match receiver.try_recv() {
            Ok(msg) => Some(Ok(msg)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(RecvError)),
        }
    }

    /// `None`: the time is over.
    #[inline]
    pub fn select_timeout<T>(
        receiver: &Receiver<T>,
        timeout: Duration,
    ) -> Option<Result<T, RecvError>> {
        match try_select(receiver) {
            Some(result) => Some(result),
            None => skin::not_last(select_timeout_contended(receiver, timeout)),
        }
    }

    #[cold]
    #[inline(never)]
    fn select_contended<T>(receiver: &Receiver<T>) -> Result<T, RecvError> {
        let receive = || receiver.as_inner().recv();
        skin::sleeping(Kind::SELECT, receiver.end().messages(), receive, |_| true)
    }

    #[cold]
    #[inline(never)]
    fn select_timeout_contended<T>(
        receiver: &Receiver<T>,
        timeout: Duration,
    ) -> Option<Result<T, RecvError>> {
        let receive = || receiver.as_inner().recv_timeout(timeout);
        let is_notified = |result: &Result<T, RecvTimeoutError>| {
            !matches!(result, Err(RecvTimeoutError::Timeout))
        };
        let blocked = skin::Blocked::for_a_time(Kind::SELECT);
        match skin::sleeping(blocked, receiver.end().messages(), receive, is_notified) {
            Ok(msg) => Some(Ok(msg)),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(RecvError)),
        }
    }
}
