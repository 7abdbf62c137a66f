// Package dev is the root of the module of searchpack-dev: the Searchpack server, S3 and real local
// OpenSearch clusters behind one endpoint, for laptops and CI. It holds no code itself.
//
// The module is apart from the product's so that what it depends on (an S3 server, a JVM to test
// with) stays out of the product. It lies below the product's path and may use its internal
// packages; nothing of the product may use it.
package dev
