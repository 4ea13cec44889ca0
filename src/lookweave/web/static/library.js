// A picture dropped on the page or pasted is searched with.
const form = document.getElementById("byimage");
const field = form.querySelector("input[type=file]");

function searchBy(files) {
  if (![...files].some((file) => file.type.startsWith("image/"))) return;
  field.files = files;
  form.requestSubmit();
}

// On a phone the photos come first; a filter in use stays open.
if (matchMedia("(max-width: 640px)").matches) {
  for (const one of document.querySelectorAll(".library aside details")) one.open = !!one.querySelector("[aria-current]");
}

document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  searchBy(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => searchBy(event.clipboardData.files));
