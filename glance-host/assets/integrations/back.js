// The page after the return from an add-on. It finishes the installation automatically.

document.getElementById("done").submit();
