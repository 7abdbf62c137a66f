package policy

import (
	"fmt"
	"strings"
	"testing"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		fileClass + ` <<ALL FILES>> read`:                                      "dangerous checked may read every file",
		fileClass + ` <<ALL FILES>> read,readlink`:                             "dangerous checked may read and follow links to every file",
		fileClass + ` <<ALL FILES>> read,write,delete`:                         "total checked may read, change or make and delete every file",
		fileClass + ` <<ALL FILES>> execute`:                                   "total open may start programs from every file",
		fileClass + ` /- delete`:                                               "total checked may delete every file",
		fileClass + ` /bin/sh execute`:                                         `dangerous open may start programs from the file "/bin/sh"`,
		fileClass + ` /etc/- read`:                                             `notable checked may read everything below "/etc"`,
		fileClass + ` /etc/- write`:                                            `dangerous checked may change or make everything below "/etc"`,
		fileClass + ` /etc/* read`:                                             `notable checked may read every file in "/etc"`,
		fileClass + ` /proc/sys/x read`:                                        `minor checked may read the file "/proc/sys/x"`,
		fileClass + ` /tmp/x write`:                                            `notable checked may change or make the file "/tmp/x"`,
		socketClass + ` * connect,resolve`:                                     "dangerous checked may connect to any computer",
		socketClass + ` *:443 connect`:                                         `dangerous checked may connect to any computer ("*:443")`,
		socketClass + ` db.example:5432 connect`:                               `notable checked may connect to "db.example:5432"`,
		socketClass + ` * accept,connect`:                                      "dangerous checked may connect to any computer and accept connections from any computer",
		socketClass + ` localhost:0 listen`:                                    `notable open may listen on ports of "localhost:0"`,
		socketClass + ` x resolve`:                                             `minor open may look up the address of "x"`,
		propertyClass + ` * read,write`:                                        "dangerous open may change every system property",
		propertyClass + ` * read`:                                              "minor open may read every system property",
		propertyClass + ` a.b write`:                                           `notable open may change the system property "a.b"`,
		runtimeClass + ` *`:                                                    "total open may do everything that the runtime guards",
		runtimeClass + ` setSecurityManager`:                                   "total open may replace the security manager",
		runtimeClass + ` createClassLoader`:                                    "dangerous open may make class loaders",
		runtimeClass + ` loadLibrary.foo`:                                      `dangerous open may load the native library "foo"`,
		runtimeClass + ` loadLibrary.*`:                                        `dangerous open may load the native library "*"`,
		runtimeClass + ` exitVM`:                                               "dangerous open may end the node",
		runtimeClass + ` exitVM.3`:                                             "dangerous open may end the node",
		runtimeClass + ` accessDeclaredMembers`:                                "notable open may list private members",
		runtimeClass + ` accessClassInPackage.sun.misc`:                        "dangerous open may use sun.misc",
		runtimeClass + ` accessClassInPackage.sun.x`:                           `notable open may use the internal package "sun.x"`,
		runtimeClass + ` somethingNew`:                                         "unknown open asks for",
		reflectClass + ` suppressAccessChecks`:                                 "dangerous open may read and change private fields",
		securityClass + ` setPolicy`:                                           "total open may replace the policy",
		securityClass + ` insertProvider.X`:                                    "dangerous open may replace the cryptography",
		securityClass + ` other`:                                               "notable open may change a part",
		netClass + ` accessUnixDomainSocket`:                                   "notable checked may connect to programs on the same machine",
		netClass + ` getProxySelector`:                                         "minor open may ask which proxy",
		allClass:                                                               "total checked may do everything that Java can",
		`java.nio.file.LinkPermission hard`:                                    "dangerous open may make links",
		`org.opensearch.secure_sm.ThreadContextPermission markAsSystemContext`: "dangerous open may act as another user",
		`javax.security.auth.AuthPermission doAs`:                              `notable open may act for other users (JAAS): "doAs"`,
		`com.example.Own x`:                                                    "unknown open asks for",
	} {
		fields := strings.SplitN(text, " ", 3)
		p := Permission{Class: fields[0]}
		if len(fields) > 1 {
			p.Target = fields[1]
			if p.Target == "<<ALL" {
				more := strings.SplitN(fields[2], " ", 2)
				p.Target, fields[2] = p.Target+" "+more[0], more[1]
			}
		}
		if len(fields) > 2 {
			p.Actions = fields[2]
		}
		grade, meaning, checked := judge(p)
		how := "open"
		if checked {
			how = "checked"
		}
		if got := fmt.Sprintf("%s %s %s", grade, how, meaning); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// Each class has words for every target, none with a verb left over.
func TestKnownWords(t *testing.T) {
	t.Parallel()
	for class, all := range classes {
		for _, k := range all {
			if words := k.filled(k.target); strings.Contains(words, "%") || !strings.HasPrefix(words, "may ") {
				t.Errorf("%s %s: %q", class, k.target, words)
			}
		}
	}
}
