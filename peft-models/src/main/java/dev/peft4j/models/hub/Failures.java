package dev.peft4j.models.hub;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is said when a repository cannot be got. The token is taken out of every text, because a server may send it back.
 *
 * @param config of the hub
 * @param name what was asked for
 */
record Failures(HubConfig config, HubName name) {
    private static final int SOME = 12; // names of files

    /** What is being done, as the beginning of a sentence. */
    String asked() {
        return name + " was to be downloaded from " + config.endpoint().getHost();
    }

    /** With what was found and what to do. */
    HubException of(String rest, @Nullable Throwable cause) {
        return HubException.of(config.token().hide(asked() + ", and " + rest), cause);
    }

    HubException of(String rest) {
        return of(rest, null);
    }

    /** The hub, or the network to it, does not work now. */
    HubException unreachable(String rest, @Nullable Throwable cause) {
        return HubException.unreachable(config.token().hide(asked() + ", and " + rest), cause);
    }

    /** 401 and 403: the hub answers 401 too for what does not exist, so that nobody learns what is private. */
    HubException notAllowed(int status, String code) {
        String page = Address.page(config, name);
        String found = "the hub answers " + status + ": ";
        if (code.equals("GatedRepo")) {
            return of(found + "the repository is gated. Accept its terms on " + page
                    + ", and set HF_TOKEN to a token of the" + " account that has done so.");
        }
        if (config.token().isNone()) {
            return of(found
                    + "the repository is private or gated, or there is none of this name. Check the name; if it is right,"
                    + " set HF_TOKEN to a token that may read it, and accept its terms on " + page
                    + " if it has some.");
        }
        return of(found
                + "the token that was sent (HF_TOKEN, or the file of HF_TOKEN_PATH) may not read this repository, or is"
                + " no longer valid, or there is none of this name. Check the name; accept the terms on " + page
                + " if it has some, or set HF_TOKEN to another token.");
    }

    HubException noRepository() {
        return of("there is no model of this name on it (404). Check the name: it is that of its page, org/name.");
    }

    HubException noRevision() {
        return of("the repository has no revision \"" + name.revision()
                + "\" (404). Check the branch, tag or commit, or leave it out for main.");
    }

    HubException noFile(String file) {
        return of("it has no " + HubException.shown(file)
                + " (404), which it has listed. Try again; the repository may be changing now.");
    }

    /** 429. */
    HubException tooMany(@Nullable Duration wait) {
        String time = wait == null ? "some minutes" : wait.toSeconds() + " s";
        return unreachable(
                "the hub answers 429: too many requests came from here. Wait " + time
                        + (config.token().isNone()
                                ? ", or set HF_TOKEN: accounts may ask more often."
                                : ", and ask for less at once."),
                null);
    }

    /** 5xx and 408. */
    HubException down(int status) {
        return unreachable(
                "the hub answers " + status + ", so it does not work now. Try again later; what has come is kept.",
                null);
    }

    HubException oddStatus(int status) {
        return of("the server answers " + status
                + ", which no hub does here. Check HF_ENDPOINT, and the proxy if there is one.");
    }

    HubException noHub(String problem, @Nullable Throwable cause) {
        return of(
                "what the server sends is not the answer of a hub: " + problem
                        + ". Check HF_ENDPOINT, and whether a proxy or a login page answers in its place.",
                cause);
    }

    HubException noWeights(List<String> names) {
        List<String> plain =
                names.stream().filter(n -> !n.contains("/")).sorted().toList();
        boolean pickle = plain.stream().anyMatch(n -> n.endsWith(".bin") || n.endsWith(".pt") || n.endsWith(".pth"));
        StringBuilder has = new StringBuilder();
        plain.stream().limit(SOME).forEach(n -> has.append(has.isEmpty() ? "" : ", ")
                .append(HubException.shown(n)));
        int others = names.size() - Math.min(SOME, plain.size());
        return of("it has no model.safetensors, model.safetensors.index.json, or adapter_config.json with"
                + " adapter_model.safetensors; it has " + (plain.isEmpty() ? "no files" : has)
                + (others > 0 ? " and " + others + " others" : "") + ". "
                + (pickle
                        ? "Pickle files (.bin, .pt) can run code when they are read, so they are not downloaded. Look for a"
                                + " revision with safetensors, such as refs/pr/1, or convert it once in Python:"
                                + " AutoModel.from_pretrained(..).save_pretrained(dir)."
                        : "Choose a repository that has the weights."));
    }
}
