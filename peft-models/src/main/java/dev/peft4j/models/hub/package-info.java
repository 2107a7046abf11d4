/**
 * Downloads models and adapters from a Hugging Face hub into the cache that Python's {@code huggingface_hub} has; the only package of this library that
 * touches the network.
 *
 * <ul>
 *   <li>{@link dev.peft4j.models.hub.Hub}: gives the directory of a {@link dev.peft4j.models.hub.HubName}, and downloads what is not there
 *   <li>{@link dev.peft4j.models.hub.HubConfig}: where the hub and the cache are, and the {@link dev.peft4j.models.hub.HubToken}; read from the environment
 *   <li>{@code HubClient}, {@code Body}, {@code Backoff}: requests, redirects, time limits and repetitions
 *   <li>{@code Listing}, {@code Selection}: what a repository has, and which of it is downloaded
 *   <li>{@code HubCache}, {@code BlobDownload}, {@code BlobHash}, {@code CacheLock}: files on the disk
 * </ul>
 */
@NullMarked
package dev.peft4j.models.hub;

import org.jspecify.annotations.NullMarked;
