/*
 * Copyright The Searchpack Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package searchpack.refresh;

import java.io.IOException;
import org.opensearch.action.support.broadcast.BroadcastRequest;
import org.opensearch.core.common.io.stream.StreamInput;
import org.opensearch.core.common.io.stream.StreamOutput;

/** Which indices to refresh. Closed ones are an error when named and left out by a wildcard. */
final class RefreshRequest extends BroadcastRequest<RefreshRequest> {
    /** Read anew what nodes keep for several indices too, hunspell dictionaries. */
    final boolean cachedResources;

    RefreshRequest(boolean cachedResources, String... indices) {
        super(indices);
        this.cachedResources = cachedResources;
    }

    RefreshRequest(StreamInput in) throws IOException {
        super(in);
        cachedResources = in.readBoolean();
    }

    @Override
    public void writeTo(StreamOutput out) throws IOException {
        super.writeTo(out);
        out.writeBoolean(cachedResources);
    }
}
