/** A family of models as somebody else would write it: in a package of its own, with what the library has public. */
@NullMarked
package com.example.parallel;

import org.jspecify.annotations.NullMarked;
