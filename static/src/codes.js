// Recovery codes, which a page shows once: printed, or kept as a file that is made in the page.
// The codes go nowhere else.
const codes = document.querySelector("[data-codes]");

document.querySelector("[data-codes-print]")?.addEventListener("click", () => window.print());

document.querySelector("[data-codes-keep]")?.addEventListener("click", () => {
  const lines = [...codes.querySelectorAll("li")].map((item) => item.textContent);
  const text = `${codes.dataset.codes}, at ${location.host}\nEach serves once, after the password.\n\n${lines.join("\n")}\n`;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = "keeper-recovery-codes.txt";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
});
