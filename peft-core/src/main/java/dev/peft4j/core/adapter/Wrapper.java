package dev.peft4j.core.adapter;

/** What PEFT puts around a module that an adapter acts at, which is seen in the names of tensors. */
enum Wrapper {
    /** A layer with an adapter. */
    LAYER(".base_layer"),
    /** A module of which a copy is trained. */
    WHOLE(".original_module"),
    /** A table of which rows are trained beside another method. */
    TOKENS(".token_adapter.base_layer");

    private final String base;

    Wrapper(String base) {
        this.base = base;
    }

    /** Where the module itself is. */
    String base() {
        return base;
    }
}
