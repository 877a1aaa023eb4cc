// Gives the shared precompiled header a translation unit to hang on.
