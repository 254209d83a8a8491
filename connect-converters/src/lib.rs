//! Records to message bodies and back
