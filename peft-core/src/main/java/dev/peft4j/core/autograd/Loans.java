package dev.peft4j.core.autograd;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What a pass was lent, to be given back when it is closed. */
final class Loans {
    private final List<Runnable> afterwards = new ArrayList<>();
    private final Set<Lease> used = new HashSet<>();

    /** Uses something once, however often it is asked for. */
    void use(Lease lease) {
        if (!used.contains(lease)) {
            lease.acquire();
            used.add(lease);
            afterwards.add(lease::release);
        }
    }

    void atEnd(Runnable action) {
        afterwards.add(action);
    }

    void end() {
        afterwards.forEach(Runnable::run);
        afterwards.clear();
        used.clear();
    }
}
