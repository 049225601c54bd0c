package cli_test

import (
	"io"
	"net/http"
	"os"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/your-org/keeper/auth/saml/samltest"
)

// identityProviders are those that run, by the folder of the script that they are for.
var identityProviders sync.Map

// identityProvider starts a SAML identity provider and tells where its metadata is.
func identityProvider(ts *testscript.TestScript) {
	idp, err := samltest.Start(samltest.User{NameID: "ada@example.com", Groups: []string{"devs"}})
	ts.Check(err)
	ts.Defer(idp.Close)
	ts.Setenv("IDP_METADATA", idp.MetadataURL())
	identityProviders.Store(ts.Getenv("WORK"), idp)
}

// respond writes the identity provider's response for ada to a file, as a form carries it: "respond FILE [unsigned]".
func respond(ts *testscript.TestScript, args []string) {
	found, ok := identityProviders.Load(ts.Getenv("WORK"))
	if !ok {
		ts.Fatalf("there is no identity provider")
	}
	idp := found.(*samltest.IDP)
	answer, err := http.Get(ts.Getenv("KEEPER_URL") + "/saml/okta/metadata")
	ts.Check(err)
	defer answer.Body.Close()
	metadata, err := io.ReadAll(answer.Body)
	ts.Check(err)
	ts.Check(idp.Register(metadata))
	sp, err := samltest.ReadMetadata(metadata)
	ts.Check(err)
	response, err := idp.Respond(sp.EntityID, "", "ada@example.com", samltest.Making{UnsignedAssertion: len(args) > 1})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(samltest.Encode(response)), 0o600))
}
