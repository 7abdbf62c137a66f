/*
 * Copyright The Searchpack Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package searchpack.refresh;

import java.io.IOException;
import java.util.List;
import org.opensearch.index.analysis.AnalysisRegistry;
import org.opensearch.index.mapper.MapperService;

/** What differs between OpenSearch versions. As it stands it is for 3.7 and later; the builder changes it for older ones. */
final class Reload {
    /** The parameter reload_cached_resources exists. */
    static final boolean KNOWS_CACHED_RESOURCES = true;

    /** Indices with a block on metadata are refused. */
    static final boolean HEEDS_BLOCKS = false;

    private Reload() {}

    static List<String> reload(MapperService mappers, AnalysisRegistry registry, boolean cachedResources) throws IOException {
        return mappers.reloadSearchAnalyzers(registry, cachedResources);
    }
}
