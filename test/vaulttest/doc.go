// Package vaulttest starts the Vault counterparts of test/vaultengine and test/vaultcore for a test, each as a process
// of its own on a free loopback port, and stops them with the test.
//
// Their binaries are built once into .tmp/bin of the repository, under a lock, and again when their sources or their
// go.mod changed. They are modules of their own, so nothing of Vault is linked into Keeper or its tests.
//
// StartEngine is for any test. StartCore needs the build tag vaultcore, because a first build of Vault's core takes
// minutes: a test that uses it carries the tag too, and `make test-vault` runs those.
package vaulttest
