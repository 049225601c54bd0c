// A form that lacks nothing but a proof leads to another tab for it. With the proof the session
// got a new identifier, and with that forms got another token: this one is given it, so that
// what was typed can be sent as it stands.
document.querySelector("[data-prove-aside]")?.addEventListener("click", () => addEventListener("focus", renew));

async function renew() {
  const answer = await fetch("/prove", { cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = page.querySelector('meta[name="csrf-token"]')?.content;
  if (!token) return;
  document.querySelector('meta[name="csrf-token"]').content = token;
  for (const field of document.querySelectorAll('input[name="csrf_token"]')) field.value = token;
}
