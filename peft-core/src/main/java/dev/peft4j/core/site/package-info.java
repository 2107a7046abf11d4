/** Places of a model where an adapter may act, what methods see of a model, and what is particular to its family. */
@NullMarked
package dev.peft4j.core.site;

import org.jspecify.annotations.NullMarked;
