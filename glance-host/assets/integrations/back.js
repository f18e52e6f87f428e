// The page on the way back from an add-on: finishes the installation by itself.

document.getElementById("done").submit();
