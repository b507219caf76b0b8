//! What each process does before and after its work.
