package dev.peft4j.models.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** What some filters give: items that can be gone over once, without a length and always true, as Python's generators. */
final class Lazy {
    private final Iterator<Object> items;

    Lazy(List<Object> items) {
        this.items = items.iterator();
    }

    /** The first of what is left, or something else if nothing is. */
    Object next(Object otherwise) {
        return items.hasNext() ? items.next() : otherwise;
    }

    /** What is left, which is then gone. */
    List<Object> rest() {
        List<Object> rest = new ArrayList<>();
        items.forEachRemaining(rest::add);
        return rest;
    }
}
