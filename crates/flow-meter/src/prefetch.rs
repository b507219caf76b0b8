//! Asks the processor for memory before it is needed. The meter's only unsafe code.
#![allow(
    unsafe_code,
    reason = "a prefetch is an instruction, not an access; there is no safe form of it in stable Rust"
)]

/// Fetches the cache line of the element at `index`. Never faults, and does nothing where the processor has no such
/// instruction.
#[inline]
pub(crate) fn element<T>(slice: &[T], index: usize) {
    line(slice.as_ptr().wrapping_add(index).cast());
}

/// Fetches every cache line of a value.
#[inline]
pub(crate) fn value<T>(value: &T) {
    let first: *const u8 = std::ptr::from_ref(value).cast();
    for at in (0..size_of::<T>()).step_by(LINE) {
        line(first.wrapping_add(at));
    }
}

/// Fetches the first lines of a slice, where later ones follow by themselves.
#[inline]
pub(crate) fn slice<T>(slice: &[T]) {
    let first: *const u8 = slice.as_ptr().cast();
    for at in (0..size_of_val(slice).min(LINE * 8)).step_by(LINE) {
        line(first.wrapping_add(at));
    }
}

/// Bytes that come at once.
const LINE: usize = 64;

#[cfg(target_arch = "x86_64")]
#[inline]
fn line(address: *const u8) {
    // SAFETY: PREFETCHT0 is a hint; any address is allowed, mapped or not, and nothing is read or written.
    unsafe { std::arch::x86_64::_mm_prefetch(address.cast(), std::arch::x86_64::_MM_HINT_T0) }
}

#[cfg(target_arch = "aarch64")]
#[inline]
fn line(address: *const u8) {
    // SAFETY: PRFM is a hint; any address is allowed, mapped or not, and nothing is read or written.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{0}]", in(reg) address, options(nostack, readonly, preserves_flags));
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[inline]
fn line(_address: *const u8) {}
