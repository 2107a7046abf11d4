/**
 * Images as records of training. {@link dev.peft4j.models.image.ImageRecords} reads folders, tables and the files of CIFAR and MNIST into
 * {@link dev.peft4j.models.image.ImageRecord}s; a {@link dev.peft4j.models.image.Picture} is what a file decodes to, in 8 bits;
 * {@link dev.peft4j.models.image.Preprocessing} makes of it the numbers that a model reads, with the filters of
 * {@link dev.peft4j.models.image.Resampling}; {@link dev.peft4j.models.image.Augmentation} varies it from epoch to epoch. Results are those of Pillow and of
 * transformers' image processors.
 *
 * <p>Shapes: C channels (1 grey, 3 red, green, blue), H rows, W columns; planes are (C, H, W), row by row from the top.
 */
@NullMarked
package dev.peft4j.models.image;

import org.jspecify.annotations.NullMarked;
