package cli_test

import (
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/your-org/keeper/auth/saml/samltest"
)

// identityProvider starts a SAML identity provider and tells where its metadata is.
func identityProvider(ts *testscript.TestScript) {
	idp, err := samltest.Start(samltest.User{NameID: "ada@example.com", Groups: []string{"devs"}})
	ts.Check(err)
	ts.Defer(idp.Close)
	ts.Setenv("IDP_METADATA", idp.MetadataURL())
}
