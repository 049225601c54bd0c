import htmx from "htmx.org";

document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector('meta[name="csrf-token"]')?.content;
  if (token) event.detail.headers["X-CSRF-Token"] = token;
});

// A session that ended answers with the sign-in page: go there instead of swapping it in.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.responseURL.includes("/sign-in")) {
    event.detail.shouldSwap = false;
    location.reload();
  }
});

export default htmx;
