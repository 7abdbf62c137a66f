/*
 * Copyright The Searchpack Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package searchpack.refresh;

import java.io.IOException;
import java.util.List;
import org.opensearch.core.common.io.stream.StreamInput;
import org.opensearch.core.common.io.stream.StreamOutput;
import org.opensearch.core.common.io.stream.Writeable;

/** What one copy of a shard answers: the analyzers that its node built anew. */
final class RefreshedShard implements Writeable {
    final String index;
    final List<String> analyzers;

    RefreshedShard(String index, List<String> analyzers) {
        this.index = index;
        this.analyzers = analyzers;
    }

    RefreshedShard(StreamInput in) throws IOException {
        index = in.readString();
        analyzers = in.readStringList();
    }

    @Override
    public void writeTo(StreamOutput out) throws IOException {
        out.writeString(index);
        out.writeStringCollection(analyzers);
    }
}
