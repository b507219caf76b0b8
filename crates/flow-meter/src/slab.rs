//! Values by place, in chunks: growing never moves a value, and costs one chunk at a time.

const CHUNK_BITS: u32 = 8;
const CHUNK: usize = 1 << CHUNK_BITS;

/// Values that stay where they were put.
pub(crate) struct Slab<T> {
    chunks: Vec<Vec<T>>,
}

impl<T> Slab<T> {
    pub(crate) fn new() -> Self {
        Self { chunks: Vec::new() }
    }

    /// Forgets every value.
    pub(crate) fn clear(&mut self) {
        self.chunks.clear();
    }

    /// The value at a place that may not be there.
    #[inline]
    pub(crate) fn find(&self, at: u32) -> Option<&T> {
        self.chunks.get((at >> CHUNK_BITS) as usize)?.get(at as usize & (CHUNK - 1))
    }

    /// As [`Self::find`].
    #[inline]
    pub(crate) fn find_mut(&mut self, at: u32) -> Option<&mut T> {
        self.chunks.get_mut((at >> CHUNK_BITS) as usize)?.get_mut(at as usize & (CHUNK - 1))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len())
    }

    /// Puts a value behind all others and gives its place.
    pub(crate) fn push(&mut self, value: T) -> u32 {
        if self.chunks.last().is_none_or(|last| last.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let at = self.len() as u32;
        if let Some(last) = self.chunks.last_mut() {
            last.push(value);
        }
        at
    }

    #[inline]
    pub(crate) fn get(&self, at: u32) -> &T {
        &self.chunks[(at >> CHUNK_BITS) as usize][at as usize & (CHUNK - 1)]
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, at: u32) -> &mut T {
        &mut self.chunks[(at >> CHUNK_BITS) as usize][at as usize & (CHUNK - 1)]
    }
}
