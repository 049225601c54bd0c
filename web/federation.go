package web

// federation is what has to do with identity providers.
func (w *Web) federation() []route {
	return []route{
		{get, "/saml/{provider}/sign-in", public, w.beginSAML, nil},
		{post, "/saml/{provider}/acs", foreign, w.takeSAML, nil},
		{get, "/saml/{provider}/metadata", public, w.showSAMLMetadata, nil},
		{get, "/saml/{provider}/certificate", public, w.showSAMLCertificate, nil},
		{get, "/saml/{provider}/slo", public, w.takeLogout, nil},
		{post, "/saml/{provider}/slo", foreign, w.takeLogout, nil},

		{get, "/admin/providers", signedIn, w.listProviders, nil},
		{get, "/admin/providers/new", signedIn, w.newProvider, nil},
		{post, "/admin/providers", signedIn, w.createProvider, w.newProviderForm},
		{get, "/admin/providers/{provider}", signedIn, w.showProvider, nil},
		{get, "/admin/providers/{provider}/edit", signedIn, w.editProvider, nil},
		{post, "/admin/providers/{provider}/edit", signedIn, w.updateProvider, w.editProviderForm},
		{post, "/admin/providers/{provider}/switch", signedIn, w.switchProvider, w.providerPage},
		{post, "/admin/providers/{provider}/refresh", signedIn, w.refreshProvider, w.providerPage},
		{post, "/admin/providers/{provider}/keys", signedIn, w.newProviderKey, w.providerPage},
		{post, "/admin/providers/{provider}/keys/use", signedIn, w.useProviderKey, w.providerPage},
		{post, "/admin/providers/{provider}/keys/remove", signedIn, w.removeProviderKey, w.providerPage},
		{post, "/admin/providers/{provider}/groups", signedIn, w.mapGroup, w.providerPage},
		{post, "/admin/providers/{provider}/people", signedIn, w.linkPerson, w.providerPage},
		{post, "/admin/providers/{provider}/people/remove", signedIn, w.unlinkPerson, w.providerPage},
		{get, "/admin/providers/{provider}/doctor", signedIn, w.showDoctor, nil},
		{post, "/admin/providers/{provider}/doctor", signedIn, w.examine, w.doctorForm},
		{post, "/admin/providers/{provider}/dry-run", signedIn, w.dryRun, w.doctorForm},
		{get, "/admin/providers/{provider}/delete", signedIn, w.askDeleteProvider, nil},
		{post, "/admin/providers/{provider}/delete", signedIn, w.deleteProvider, w.deleteProviderForm},
	}
}
