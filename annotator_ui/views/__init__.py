"""The pages of the app. Each is a function without arguments that Streamlit calls."""
