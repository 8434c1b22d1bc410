//! What becomes of the memory that the buffers of a transfer had.

use std::hint::black_box;

/// The size of the block that is freed, in bytes: over twice the size of the largest buffer. With more of it, more stays
/// with a server that does nothing.
const BLOCK: usize = 1024 * 1024;

/// Lets glibc keep the memory of one buffer for the next.
///
/// At first it returns to the system all that is free at the heap's end over 128 KiB, and then the next buffer is faulted in
/// again, page by page: of a large download that is a tenth of the processor's time. Freeing a block that was mapped raises
/// this limit to twice the block's size (`mallopt(3)`, "`M_MMAP_THRESHOLD`"). The block is not touched, so it costs no
/// memory. Other allocators have other rules, and lose nothing.
pub(crate) fn keep_buffers() {
    drop(black_box(Vec::<u8>::with_capacity(BLOCK)));
}
