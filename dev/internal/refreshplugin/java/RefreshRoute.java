/*
 * Copyright The Searchpack Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package searchpack.refresh;

import java.util.ArrayList;
import java.util.List;
import org.opensearch.core.common.Strings;
import org.opensearch.rest.BaseRestHandler;
import org.opensearch.rest.RestRequest;
import org.opensearch.rest.RestRequest.Method;
import org.opensearch.rest.action.RestToXContentListener;
import org.opensearch.transport.client.node.NodeClient;

/** The route, under its present and its former prefix, with and without the names of indices. */
final class RefreshRoute extends BaseRestHandler {
    private static final String ROUTE = "/_refresh_search_analyzers";

    @Override
    public String getName() {
        return "searchpack_refresh_search_analyzers";
    }

    @Override
    public List<Route> routes() {
        List<Route> routes = new ArrayList<>();
        for (String prefix : List.of("/_plugins", "/_opendistro")) {
            routes.add(new Route(Method.POST, prefix + ROUTE));
            routes.add(new Route(Method.POST, prefix + ROUTE + "/{index}"));
        }
        return routes;
    }

    @Override
    protected RestChannelConsumer prepareRequest(RestRequest rest, NodeClient client) {
        String[] indices = Strings.splitStringByCommaToArray(rest.param("index"));
        if (indices.length == 0) {
            throw new IllegalArgumentException("Missing indices");
        }
        // A parameter that is never asked for is refused by name, as a misspelled one.
        boolean cachedResources = Reload.KNOWS_CACHED_RESOURCES && rest.paramAsBoolean("reload_cached_resources", false);
        RefreshRequest request = new RefreshRequest(cachedResources, indices);
        return channel -> client.execute(RefreshAction.TYPE, request, new RestToXContentListener<>(channel));
    }
}
