package e2e

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack/dev/internal/distro"
	"github.com/searchpack/searchpack/internal/agent/supply"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/usage/needs"
)

// builtIn are names that OpenSearch brings along, in its distribution with all modules. Were one of them
// taken for a plugin's, that plugin could not be removed.
var builtIn = map[needs.Kind]string{
	needs.TokenFilter: "lowercase uppercase stop synonym synonym_graph asciifolding stemmer snowball word_delimiter_graph multiplexer condition hunspell shingle edge_ngram " +
		"nGram trim unique truncate keyword_marker kstem porter_stem length limit elision pattern_replace min_hash cjk_bigram classic common_grams decimal_digit fingerprint " +
		"flatten_graph keep keep_types reverse standard arabic_normalization apostrophe scandinavian_folding german_stem stemmer_override hyphenation_decompounder",
	needs.Analyzer:   "standard simple stop whitespace keyword pattern fingerprint english german french cjk snowball custom default arabic thai turkish",
	needs.Tokenizer:  "standard keyword letter lowercase whitespace uax_url_email ngram edgeNGram pattern simple_pattern char_group path_hierarchy classic thai",
	needs.CharFilter: "html_strip mapping pattern_replace",
	needs.Normalizer: "lowercase custom",
	needs.FieldType: "text keyword long integer short byte double float half_float scaled_float unsigned_long date date_nanos boolean binary integer_range ip_range ip object nested " +
		"flat_object geo_point geo_shape completion search_as_you_type token_count percolator join rank_feature alias match_only_text wildcard constant_keyword",
	needs.MetaField:       "_source _routing _field_names _doc_count _id _index",
	needs.Similarity:      "BM25 boolean DFR IB LMDirichlet scripted",
	needs.Codec:           "default best_compression lz4 zlib",
	needs.Store:           "fs niofs mmapfs hybridfs",
	needs.IngestProcessor: "set remove rename append bytes convert copy csv date date_index_name dissect drop fail foreach grok gsub html_strip join json kv lowercase pipeline script sort split trim urldecode user_agent geoip",
	needs.SearchProcessor: "filter_query script rename_field oversample truncate_hits collapse",
	needs.ScriptLanguage:  "painless expression mustache",
	needs.Repository:      "fs url",
	needs.IndexSetting: "index.number_of_shards index.number_of_replicas index.uuid index.version.created index.creation_date index.provided_name index.refresh_interval index.hidden " +
		"index.routing.allocation.include._tier_preference index.routing.allocation.require.box index.blocks.read_only_allow_delete index.replication.type index.mapping.total_fields.limit " +
		"index.search.slowlog.threshold.query.warn index.max_result_window index.default_pipeline index.soft_deletes.enabled index.percolator.map_unmapped_fields_as_text",
	needs.NodeSetting: "cluster.name node.name path.data path.logs path.repo http.port transport.port network.host discovery.seed_hosts cluster.initial_cluster_manager_nodes node.roles node.attr.zone " +
		"bootstrap.memory_lock discovery.type http.cors.enabled client.type http.type.default transport.type.default path.home node.store.allow_mmap node.attr.shard_indexing_pressure_enabled cluster.routing.allocation.disk.threshold_enabled " +
		"thread_pool.search.size script.painless.regex.enabled ingest.grok.watchdog.interval transport.profiles.default.port",
}

// TestNeedsOnARealHome holds plugins against the jars of a whole distribution: a plugin that mentions every
// name of OpenSearch is needed for none of them, and what is a plugin's own is found.
func TestNeedsOnARealHome(t *testing.T) {
	needsJVM(t)
	const version = "3.8.0" // 2.19.0 comes without its modules
	dir, err := distro.Layout(t.Context(), version, filepath.Join(t.TempDir(), "home"), distro.Options{Log: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	home := supply.Home{Dir: dir.Dir, Plugins: filepath.Join(dir.Dir, "plugins")}
	judge := func(own *needs.Constants, used *needs.Names, going string) (found []string) {
		t.Helper()
		all := used.Candidates(own)
		core, others, err := home.Rest(t.Context(), []string{going}, all)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range needs.Judge(all, core, others).Needs {
			found = append(found, x.Kind+" "+x.Name)
		}
		return found
	}
	used, says := needs.NewNames(), []string{"tag"}
	for kind, words := range builtIn {
		for _, name := range strings.Fields(words) {
			used.Add(kind, name, "index shop")
			says = append(says, name)
		}
	}
	used.Add(needs.TokenFilter, "tag", "index shop")
	class, err := inspecttest.Class("class a/P implements " + strings.Join([]string{
		"org/opensearch/plugins/AnalysisPlugin", "org/opensearch/plugins/MapperPlugin", "org/opensearch/plugins/EnginePlugin", "org/opensearch/plugins/IndexStorePlugin",
		"org/opensearch/plugins/IngestPlugin", "org/opensearch/plugins/SearchPipelinePlugin", "org/opensearch/plugins/ScriptPlugin", "org/opensearch/plugins/RepositoryPlugin",
		"org/opensearch/index/IndexModule",
	}, ", ") + " says " + strings.Join(says, ", "))
	if err != nil {
		t.Fatal(err)
	}
	mentions := needs.OfPlugin(nil)
	mentions.Add("a/P.class", class)
	if got, want := judge(mentions, used, "none"), []string{"token filter tag"}; !slices.Equal(got, want) {
		t.Errorf("a plugin that mentions all names is needed for %q, want %q", got, want)
	}

	for _, r := range realPlugins {
		if r.engine != "OpenSearch_3.8" {
			continue
		}
		unzip(t, r.fetch(t), filepath.Join(home.Plugins, r.name))
	}
	icu, err := home.Plugin(t.Context(), "analysis-icu")
	if err != nil {
		t.Fatal(err)
	}
	for kind, name := range map[needs.Kind]string{
		needs.TokenFilter: "icu_folding", needs.Tokenizer: "icu_tokenizer", needs.CharFilter: "icu_normalizer", needs.Analyzer: "icu_analyzer",
	} {
		used.Add(kind, name, "index shop")
	}
	used.Add(needs.TokenFilter, "phonetic", "index shop")
	want := []string{"analyzer icu_analyzer", "tokenizer icu_tokenizer", "token filter icu_folding", "char filter icu_normalizer"}
	if got := judge(icu, used, "analysis-icu"); !slices.Equal(got, want) {
		t.Errorf("analysis-icu is needed for %q, want %q", got, want)
	}
}

// unzip unpacks a plugin's zip into a folder.
func unzip(t *testing.T, z []byte, dir string) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(z), int64(len(z)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(in)
		in.Close()
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o755)
		}
		if err == nil {
			err = os.WriteFile(path, b, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
