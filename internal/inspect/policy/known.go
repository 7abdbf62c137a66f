package policy

import (
	"cmp"
	"slices"
	"strings"
)

// known is what is said of a permission that has a name but no actions of weight.
type known struct {
	target string // as written, or with * at its end: everything that begins so; "" = every target
	grade  Grade
	words  string // %s = the rest of the target
}

// filled puts what a target names into the words.
func (k known) filled(target string) string {
	return strings.ReplaceAll(k.words, "%s", quote(strings.TrimPrefix(target, strings.TrimSuffix(k.target, "*"))))
}

// fits reports whether the permission's target is meant.
func (k known) fits(target string) bool {
	if begin, wild := strings.CutSuffix(k.target, "*"); wild && k.target != "*" {
		return strings.HasPrefix(target, begin)
	}
	return k.target == target || k.target == ""
}

// lookUp finds what is known of the permission; the longest target wins.
func lookUp(p Permission) (known, bool) {
	var fit []known
	for _, k := range classes[p.Class] {
		if k.fits(p.Target) {
			fit = append(fit, k)
		}
	}
	if len(fit) == 0 {
		return known{}, false
	}
	return slices.MaxFunc(fit, func(a, b known) int { return cmp.Compare(len(a.target), len(b.target)) }), true
}

// classes are the permissions of the JVM's documentation (java.base and its neighbours) and of
// OpenSearch.
var classes = map[string][]known{
	runtimeClass: {
		{"*", Total, "may do everything that the runtime guards: load classes with all rights, end the node, replace the security manager"},
		{"setSecurityManager", Total, "may replace the security manager, and with it switch off all other checks"},
		{"createSecurityManager", Dangerous, "may make a security manager of its own"},
		{"createClassLoader", Dangerous, "may make class loaders, and give the classes that they load any rights"},
		{"loadLibrary.*", Dangerous, "may load the native library %s, which Java does not guard"},
		{"exitVM*", Dangerous, "may end the node"},
		{"manageProcess", Dangerous, "may watch and end other processes"},
		{"shutdownHooks", Notable, "may run code while the node ends"},
		{"setIO", Notable, "may replace the standard input and output"},
		{"setFactory", Notable, "may replace how sockets and URLs are made"},
		{"setDefaultUncaughtExceptionHandler", Notable, "may replace what happens when a thread fails"},
		{"modifyThread", Notable, "may stop and change other threads"},
		{"modifyThreadGroup", Notable, "may stop and change other groups of threads"},
		{"stopThread", Notable, "may stop other threads"},
		{"getClassLoader", Notable, "may reach the class loaders of other code"},
		{"setContextClassLoader", Notable, "may change the class loader that a thread uses"},
		{"enableContextClassLoaderOverride", Notable, "may have its threads use other class loaders"},
		{"closeClassLoader", Notable, "may close class loaders"},
		{"accessDeclaredMembers", Notable, "may list private members of any class by reflection"},
		{"accessClassInPackage.*", Notable, "may use the internal package %s of Java"},
		{"accessClassInPackage.sun.misc", Dangerous, "may use sun.misc, which reads and writes memory past all checks"},
		{"accessClassInPackage.jdk.internal.misc", Dangerous, "may use jdk.internal.misc, which reads and writes memory past all checks"},
		{"defineClassInPackage.*", Dangerous, "may define classes in the package %s of other code"},
		{"accessSystemModules", Notable, "may look into the modules of Java"},
		{"getenv.*", Notable, "may read the environment variable %s"},
		{"readFileDescriptor", Notable, "may read from files that others opened"},
		{"writeFileDescriptor", Notable, "may write to files that others opened"},
		{"getFileStoreAttributes", Minor, "may ask how much room disks have"},
		{"getFileSystemAttributes", Minor, "may ask how much room disks have"},
		{"fileSystemProvider", Notable, "may bring a file system of its own"},
		{"getProtectionDomain", Minor, "may ask where a class comes from"},
		{"getStackTrace", Minor, "may look at the stacks of threads"},
		{"getStackWalkerWithClassReference", Minor, "may see which classes call it"},
		{"selectorProvider", Notable, "may replace how network channels are made"},
		{"preferences", Minor, "may keep preferences of the user"},
		{"queuePrintJob", Minor, "may print"},
		{"usePolicy", Minor, "may use the policy of the browser plug-in"},
		{"localeServiceProvider", Minor, "may bring formats of its own for languages"},
		{"loggerFinder", Notable, "may replace how the JVM logs"},
		{"accessUserInformation", Minor, "may look up users and groups"},
		{"charsetProvider", Minor, "may bring encodings of its own"},
		{"inheritedChannel", Notable, "may use the network channel that started the node"},
		{"canProcessApplicationEvents", Minor, "may handle events of a desktop"},
		{"jdk.internal.perf.*", Minor, "may read counters of the JVM"},
	},
	reflectClass: {
		{"suppressAccessChecks", Dangerous, "may read and change private fields, and call private methods, of any class"},
		{"newProxyInPackage.*", Notable, "may make proxy classes in the package %s"},
		{"*", Dangerous, "may read and change private fields, and call private methods, of any class"},
	},
	securityClass: {
		{"*", Total, "may change the policy and the cryptography of the JVM"},
		{"setPolicy", Total, "may replace the policy, and with it give itself everything"},
		{"setProperty.*", Dangerous, "may change the security property %s"},
		{"insertProvider*", Dangerous, "may replace the cryptography of the JVM"},
		{"removeProvider.*", Dangerous, "may take away a provider of cryptography: %s"},
		{"putProviderProperty.*", Dangerous, "may change the provider of cryptography %s"},
		{"removeProviderProperty.*", Dangerous, "may change the provider of cryptography %s"},
		{"clearProviderProperties.*", Dangerous, "may change the provider of cryptography %s"},
		{"createAccessControlContext", Dangerous, "may choose with whose rights code runs"},
		{"getDomainCombiner", Notable, "may see how rights are combined"},
		{"getPolicy", Minor, "may read which permissions others have"},
		{"getProperty.*", Minor, "may read the security property %s"},
		{"", Notable, "may change a part of the JVM's security"},
	},
	netClass: {
		{"*", Dangerous, "may change how the JVM connects and logs in"},
		{"accessUnixDomainSocket", Notable, "may connect to programs on the same machine by Unix sockets"},
		{"getProxySelector", Minor, "may ask which proxy is used"},
		{"setProxySelector", Dangerous, "may send all HTTP connections of the node through a proxy of its choice"},
		{"setDefaultAuthenticator", Dangerous, "may see the passwords that the node sends"},
		{"requestPasswordAuthentication", Dangerous, "may ask for the passwords that the node sends"},
		{"getNetworkInformation", Minor, "may list the network interfaces"},
		{"getCookieHandler", Notable, "may read cookies"},
		{"setCookieHandler", Notable, "may change cookies"},
		{"setResponseCache", Notable, "may replace answers of web servers"},
		{"getResponseCache", Notable, "may read kept answers of web servers"},
		{"specifyStreamHandler", Notable, "may bring a protocol of its own for URLs"},
		{"", Notable, "may change how the JVM uses the network"},
	},
	"java.net.URLPermission":       {{"", Notable, "may send HTTP requests to %s"}},
	"java.nio.file.LinkPermission": {{"", Dangerous, "may make links, by which a permission for one path reaches others"}},
	"java.io.SerializablePermission": {
		{"", Notable, "may change how objects are read from and written to streams"},
	},
	"javax.net.ssl.SSLPermission":                       {{"", Notable, "may change how TLS connections are checked"}},
	"javax.security.auth.AuthPermission":                {{"", Notable, "may act for other users (JAAS): %s"}},
	"javax.security.auth.PrivateCredentialPermission":   {{"", Dangerous, "may read private credentials: %s"}},
	"javax.security.auth.kerberos.ServicePermission":    {{"", Notable, "may use the Kerberos service %s"}},
	"javax.security.auth.kerberos.DelegationPermission": {{"", Notable, "may pass Kerberos tickets on: %s"}},
	"javax.management.MBeanServerPermission":            {{"", Notable, "may make and find MBean servers"}},
	"javax.management.MBeanPermission":                  {{"", Notable, "may use the management beans %s"}},
	"javax.management.MBeanTrustPermission":             {{"", Notable, "may have its management beans trusted"}},
	"java.lang.management.ManagementPermission":         {{"", Notable, "may watch or control the JVM: %s"}},
	"java.util.logging.LoggingPermission":               {{"", Minor, "may change what java.util.logging writes"}},
	"java.sql.SQLPermission":                            {{"", Minor, "may change how databases are connected to: %s"}},
	"java.awt.AWTPermission":                            {{"", Notable, "may use a screen: %s"}},
	"javax.sound.sampled.AudioPermission":               {{"", Minor, "may play and record sound"}},
	"com.sun.tools.attach.AttachPermission":             {{"", Dangerous, "may attach to other JVMs and run code in them"}},
	"org.opensearch.secure_sm.ThreadPermission":         {{"", Notable, "may change threads that are not its own: %s"}},
	"org.opensearch.secure_sm.ThreadContextPermission":  {{"", Dangerous, "may act as another user, or as the system itself, towards OpenSearch: %s"}},
	"org.opensearch.SpecialPermission":                  {{"", Minor, "may use its own permissions on behalf of scripts"}},
	"org.opensearch.script.ClassPermission":             {{"", Minor, "may offer the class %s to scripts"}},
	"org.bouncycastle.crypto.CryptoServicesPermission":  {{"", Notable, "may change the cryptography of Bouncy Castle: %s"}},
	"com.sun.security.jgss.InquireSecContextPermission": {{"", Notable, "may read Kerberos contexts: %s"}},
}
