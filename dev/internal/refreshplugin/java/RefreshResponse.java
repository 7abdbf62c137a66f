/*
 * Copyright The Searchpack Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package searchpack.refresh;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.opensearch.action.support.broadcast.BroadcastResponse;
import org.opensearch.core.action.support.DefaultShardOperationFailedException;
import org.opensearch.core.common.io.stream.StreamInput;
import org.opensearch.core.common.io.stream.StreamOutput;
import org.opensearch.core.xcontent.ToXContent;
import org.opensearch.core.xcontent.XContentBuilder;

/**
 * The usual header of shards, then the indices of which no copy failed. Copies that are not
 * assigned count in the total only.
 */
final class RefreshResponse extends BroadcastResponse {
    private final Map<String, List<String>> refreshed;

    RefreshResponse(
        int total,
        int successful,
        int failed,
        List<DefaultShardOperationFailedException> failures,
        List<RefreshedShard> shards
    ) {
        super(total, successful, failed, failures);
        refreshed = new TreeMap<>();
        for (RefreshedShard shard : shards) {
            refreshed.putIfAbsent(shard.index, shard.analyzers);
        }
        for (DefaultShardOperationFailedException failure : failures) {
            refreshed.remove(failure.index());
        }
    }

    RefreshResponse(StreamInput in) throws IOException {
        super(in);
        refreshed = new TreeMap<>(in.readMap(StreamInput::readString, StreamInput::readStringList));
    }

    @Override
    public void writeTo(StreamOutput out) throws IOException {
        super.writeTo(out);
        out.writeMap(refreshed, StreamOutput::writeString, StreamOutput::writeStringCollection);
    }

    @Override
    protected void addCustomXContentFields(XContentBuilder json, ToXContent.Params params) throws IOException {
        json.startArray("successful_refresh_details");
        for (Map.Entry<String, List<String>> index : refreshed.entrySet()) {
            json.startObject();
            json.field("index", index.getKey());
            json.field("refreshed_analyzers", index.getValue());
            json.endObject();
        }
        json.endArray();
    }
}
