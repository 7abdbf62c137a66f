/*
 * Copyright The Searchpack Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package searchpack.refresh;

import java.io.IOException;
import java.util.List;
import org.opensearch.action.ActionType;
import org.opensearch.action.support.ActionFilters;
import org.opensearch.action.support.broadcast.node.TransportBroadcastByNodeAction;
import org.opensearch.cluster.ClusterState;
import org.opensearch.cluster.block.ClusterBlockException;
import org.opensearch.cluster.block.ClusterBlockLevel;
import org.opensearch.cluster.metadata.IndexNameExpressionResolver;
import org.opensearch.cluster.routing.ShardRouting;
import org.opensearch.cluster.routing.ShardsIterator;
import org.opensearch.cluster.service.ClusterService;
import org.opensearch.common.inject.Inject;
import org.opensearch.core.action.support.DefaultShardOperationFailedException;
import org.opensearch.core.common.io.stream.StreamInput;
import org.opensearch.core.index.shard.ShardId;
import org.opensearch.index.mapper.MapperService;
import org.opensearch.indices.IndicesService;
import org.opensearch.threadpool.ThreadPool;
import org.opensearch.transport.TransportService;

/** Asks every node once, for all copies of shards that it holds, to build its search analyzers anew. */
public final class RefreshAction extends TransportBroadcastByNodeAction<RefreshRequest, RefreshResponse, RefreshedShard> {
    static final String NAME = "indices:admin/refresh_search_analyzers";
    static final ActionType<RefreshResponse> TYPE = new ActionType<>(NAME, RefreshResponse::new);

    private final IndicesService indices;

    @Inject
    public RefreshAction(
        ClusterService cluster,
        TransportService transport,
        ActionFilters filters,
        IndexNameExpressionResolver names,
        IndicesService indices
    ) {
        super(NAME, cluster, transport, filters, names, RefreshRequest::new, ThreadPool.Names.MANAGEMENT);
        this.indices = indices;
    }

    @Override
    protected ShardsIterator shards(ClusterState state, RefreshRequest request, String[] names) {
        return state.routingTable().allShards(names);
    }

    /** The former analyzers stay when this throws: a file that is missing or cannot be parsed. */
    @Override
    protected RefreshedShard shardOperation(RefreshRequest request, ShardRouting copy) throws IOException {
        ShardId id = copy.shardId();
        MapperService mappers = indices.indexServiceSafe(id.getIndex()).getShard(id.id()).mapperService();
        return new RefreshedShard(id.getIndexName(), Reload.reload(mappers, indices.getAnalysis(), request.cachedResources));
    }

    @Override
    protected RefreshResponse newResponse(
        RefreshRequest request,
        int total,
        int successful,
        int failed,
        List<RefreshedShard> shards,
        List<DefaultShardOperationFailedException> failures,
        ClusterState state
    ) {
        return new RefreshResponse(total, successful, failed, failures, shards);
    }

    @Override
    protected RefreshRequest readRequestFrom(StreamInput in) throws IOException {
        return new RefreshRequest(in);
    }

    @Override
    protected RefreshedShard readShardResult(StreamInput in) throws IOException {
        return new RefreshedShard(in);
    }

    @Override
    protected ClusterBlockException checkGlobalBlock(ClusterState state, RefreshRequest request) {
        return Reload.HEEDS_BLOCKS ? state.blocks().globalBlockedException(ClusterBlockLevel.METADATA_WRITE) : null;
    }

    @Override
    protected ClusterBlockException checkRequestBlock(ClusterState state, RefreshRequest request, String[] names) {
        return Reload.HEEDS_BLOCKS ? state.blocks().indicesBlockedException(ClusterBlockLevel.METADATA_WRITE, names) : null;
    }
}
