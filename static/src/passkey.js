// Passkeys. The server says what to ask the browser for, and takes what the browser answered
// as a field of the form, which is then sent as any other.
for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) {
    form.hidden = true;
    continue;
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    ask(form);
  });
}

async function ask(form) {
  const note = form.querySelector("[data-passkey-note]");
  note.textContent = "";
  const answer = await fetch(form.dataset.passkeyBegin, {
    method: "POST",
    body: new URLSearchParams(new FormData(form)),
    headers: { Accept: "text/plain" },
    cache: "no-store",
  }).catch(() => null);
  const proof = answer?.headers.get("Keeper-Prove");
  if (proof) {
    location.assign(`${proof}?next=${encodeURIComponent(location.pathname)}`);
    return;
  }
  if (!answer?.ok) {
    note.textContent = answer ? await answer.text() : "Keeper does not answer. Try again.";
    return;
  }
  const asked = (await answer.json()).publicKey;
  try {
    const made =
      form.dataset.passkey === "create"
        ? await navigator.credentials.create({ publicKey: creation(asked) })
        : await navigator.credentials.get({ publicKey: request(asked) });
    form.elements.namedItem("response").value = JSON.stringify(reply(made));
    form.submit();
  } catch {
    note.textContent = "The browser gave no passkey; nothing was done. Try again.";
  }
}

const request = (asked) => ({
  ...asked,
  challenge: bytes(asked.challenge),
  allowCredentials: (asked.allowCredentials ?? []).map(named),
});

const creation = (asked) => ({
  ...asked,
  challenge: bytes(asked.challenge),
  user: { ...asked.user, id: bytes(asked.user.id) },
  excludeCredentials: (asked.excludeCredentials ?? []).map(named),
});

const named = (key) => ({ ...key, id: bytes(key.id) });

// What toJSON of the credential gives, which not every browser and extension has.
function reply(made) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (made.response[name]) response[name] = text(made.response[name]);
  }
  const transports = made.response.getTransports?.();
  if (transports) response.transports = transports;
  return {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    authenticatorAttachment: made.authenticatorAttachment ?? undefined,
    clientExtensionResults: made.getClientExtensionResults(),
    response,
  };
}

function bytes(base64url) {
  const binary = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (c) => c.charCodeAt(0));
}

function text(buffer) {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
