"""ϕ: does a picture show the attributes that its prompt asked for?"""
