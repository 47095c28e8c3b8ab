/** Runs before the first paint, so that a chosen theme never flashes in the other one. Stands alone: it is no module. */
{
  try {
    const chosen = localStorage.getItem("okstra-theme");
    if (chosen === "dark" || chosen === "light") document.documentElement.dataset["theme"] = chosen;
  } catch {
    // No storage: the system's theme it is.
  }
}
export {};
