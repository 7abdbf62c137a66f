package distro

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// Jars returns a folder of the cache that holds the artifacts, each "group:artifact:version" of a jar
// or "group:artifact:version:type", and nothing else. It is filled by mvn if need be.
func Jars(ctx context.Context, cache Cache, name string, coordinates []string, o Options) (string, error) {
	return cache.Make(ctx, name, func(ctx context.Context, dir string) error {
		mvn, err := findMaven(o.Env, o.Log)
		if err != nil {
			return err
		}
		for _, c := range coordinates {
			parts := strings.Split(c, ":")
			if len(parts) == 3 {
				parts = append(parts, "jar")
			}
			if len(parts) != 4 {
				return fmt.Errorf("%q is no artifact: it is written group:artifact:version", c)
			}
			if _, err := mvn.fetch(ctx, artifact{parts[0], parts[1], parts[2], parts[3]}, dir); err != nil {
				return err
			}
		}
		return nil
	})
}

// Analysis lists what belongs on a class path for the parts of that program that analyse text:
// its own libraries and the module with the filters that read files. Entries may be wildcards, which
// java and javac expand.
func (i Installation) Analysis() []string {
	return []string{filepath.Join(i.Dir, "lib", "*"), filepath.Join(i.Dir, "modules", analysisModule, "*")}
}
