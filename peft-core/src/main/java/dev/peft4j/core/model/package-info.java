/** What the rest of the library knows of a model: a backbone that makes rows, and a head that reads them. Families live in {@code peft-models}. */
@NullMarked
package dev.peft4j.core.model;

import org.jspecify.annotations.NullMarked;
