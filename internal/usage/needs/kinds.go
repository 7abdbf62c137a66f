package needs

import (
	"slices"
	"strings"
)

// Kind is what a name is the name of.
type Kind string

// The kinds.
const (
	Analyzer        Kind = "analyzer"
	Tokenizer       Kind = "tokenizer"
	TokenFilter     Kind = "token filter"
	CharFilter      Kind = "char filter"
	Normalizer      Kind = "normalizer"
	FieldType       Kind = "field type"
	MetaField       Kind = "metadata field"
	Similarity      Kind = "similarity"
	Codec           Kind = "codec"
	Store           Kind = "store type"
	IndexSetting    Kind = "index setting"
	IngestProcessor Kind = "ingest processor"
	SearchProcessor Kind = "search pipeline processor"
	ScriptLanguage  Kind = "script language"
	Repository      Kind = "repository type"
	NodeSetting     Kind = "node setting"
	ClusterSetting  Kind = "cluster setting"
)

// setting: the name is the key of a setting, which may belong to a group that is known by how its keys
// begin.
func (k Kind) setting() bool {
	return k == IndexSetting || k == NodeSetting || k == ClusterSetting
}

// kinds is a set of them: bit i is that of table[i].
type kinds uint32

const every = ^kinds(0)

// row says how a kind is supplied.
type row struct {
	kind Kind
	// able are classes of OpenSearch and Lucene of which jars must mention one to supply the kind; nil =
	// every plugin can.
	able []string
	// core are how the names of classes of lib/ begin that name what OpenSearch itself supplies. Words
	// that stand elsewhere in lib/ say nothing: in YAML parsers for example, and in Lucene's stemmers,
	// which have a good part of the English language.
	core []string
}

const (
	pluginAPI     = "org/opensearch/plugins/"
	indexCode     = "org/opensearch/index/"
	indicesModule = "org/opensearch/indices/"
)

var (
	analysisAPI  = []string{pluginAPI + "AnalysisPlugin"}
	analysisCode = []string{indexCode + "analysis/", indicesModule + "analysis/", "org/opensearch/analysis/"}
	mapperAPI    = []string{pluginAPI + "MapperPlugin"}
	mapperCode   = []string{indexCode + "mapper/", indexCode + "compositeindex/", indicesModule + "IndicesModule"}
	settingCode  = []string{"org/opensearch/"}
)

// table has the kinds in the order in which they are named to people.
var table = []row{
	{Analyzer, analysisAPI, analysisCode},
	{Tokenizer, analysisAPI, analysisCode},
	{TokenFilter, analysisAPI, analysisCode},
	{CharFilter, analysisAPI, analysisCode},
	{Normalizer, analysisAPI, analysisCode},
	{FieldType, mapperAPI, mapperCode},
	{MetaField, mapperAPI, mapperCode},
	{Similarity, []string{indexCode + "IndexModule"}, []string{indexCode + "similarity/", indexCode + "IndexModule", "org/apache/lucene/search/similarities/"}},
	{Codec, []string{pluginAPI + "EnginePlugin", "org/apache/lucene/codecs/Codec", "org/apache/lucene/codecs/FilterCodec"}, []string{indexCode + "codec/", indexCode + "engine/", "org/apache/lucene/"}},
	{Store, []string{pluginAPI + "IndexStorePlugin"}, []string{indexCode + "store/", indexCode + "IndexModule"}},
	{IndexSetting, nil, settingCode},
	{IngestProcessor, []string{pluginAPI + "IngestPlugin"}, []string{"org/opensearch/ingest/"}},
	{SearchProcessor, []string{pluginAPI + "SearchPipelinePlugin"}, []string{"org/opensearch/search/pipeline/"}},
	{ScriptLanguage, []string{pluginAPI + "ScriptPlugin"}, []string{"org/opensearch/script/"}},
	{Repository, []string{pluginAPI + "RepositoryPlugin"}, []string{"org/opensearch/repositories/", "org/opensearch/snapshots/"}},
	{NodeSetting, nil, settingCode},
	{ClusterSetting, nil, settingCode},
}

func kindAt(k Kind) int {
	return slices.IndexFunc(table, func(r row) bool { return r.kind == k })
}

func setOf(k Kind) kinds { return 1 << kindAt(k) }

// enabledBy are the kinds that jars can supply which mention the class.
func enabledBy(class []byte) kinds {
	var out kinds
	if strings.HasPrefix(string(class), "org/") {
		for i, r := range table {
			if slices.Contains(r.able, string(class)) {
				out |= 1 << i
			}
		}
	}
	return out
}

// alwaysEnabled are the kinds for which no interface is needed.
func alwaysEnabled() kinds {
	var out kinds
	for i, r := range table {
		if r.able == nil {
			out |= 1 << i
		}
	}
	return out
}

// InCore reports which classes of lib/, "org/opensearch/index/mapper/A.class", may say that OpenSearch
// supplies one of the candidates.
func InCore(all []Candidate) func(class string) bool {
	var of kinds
	for _, c := range all {
		of |= setOf(c.Kind)
	}
	return func(class string) bool { return coreKinds(class)&of != 0 }
}

// coreKinds are the kinds that a class of lib/ may name.
func coreKinds(class string) kinds {
	var out kinds
	for i, r := range table {
		if slices.ContainsFunc(r.core, func(p string) bool { return strings.HasPrefix(class, p) }) {
			out |= 1 << i
		}
	}
	return out
}
